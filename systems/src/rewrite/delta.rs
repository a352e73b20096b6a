//! What a rewrite adds to the checksums that cover it (RFC 1624, equation 3), and the CRC of SCTP,
//! which cannot be updated incrementally (RFC 9260, appendix A).

use crate::checksum::{fold, ones_complement_sum};

/// The sum of `~old + new` over all changed words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delta(u32);

impl Delta {
    /// One word changed.
    pub(super) fn change(self, old: u16, new: u16) -> Self {
        Self(u32::from(fold(self.0 + u32::from(!old) + u32::from(new))))
    }

    /// Bytes at an even offset changed; both slices have the same length.
    pub(super) fn change_bytes(self, old: &[u8], new: &[u8]) -> Self {
        let removed = !fold(ones_complement_sum(old, 0));
        Self(u32::from(fold(
            self.0 + u32::from(removed) + u32::from(fold(ones_complement_sum(new, 0))),
        )))
    }

    /// Updates the checksum at `bytes[at]`; nothing happens where it was not captured.
    pub(super) fn apply(self, bytes: &mut [u8], at: usize) {
        if let Some(field) = bytes.get_mut(at..at + 2) {
            let old = u16::from_be_bytes([field[0], field[1]]);
            field.copy_from_slice(&self.update(old).to_be_bytes());
        }
    }

    /// The same for UDP: 0 is "no checksum" and stays (where allowed), a computed 0 is sent as
    /// 0xffff (RFC 768).
    pub(super) fn apply_udp(self, bytes: &mut [u8], at: usize, zero_is_none: bool) {
        if let Some(field) = bytes.get_mut(at..at + 2) {
            let old = u16::from_be_bytes([field[0], field[1]]);
            if old != 0 || !zero_is_none {
                let new = match self.update(old) {
                    0 => 0xffff,
                    sum => sum,
                };
                field.copy_from_slice(&new.to_be_bytes());
            }
        }
    }

    fn update(self, sum: u16) -> u16 {
        // Adding nothing must change nothing: 0x0000 and 0xffff are one value in ones' complement.
        if self.0 == 0 || self.0 == 0xffff { sum } else { !fold(u32::from(!sum) + self.0) }
    }
}

/// Computes the CRC32c of the SCTP packet at `packet[l4]` anew, after its ports changed.
pub(super) fn sctp(packet: &mut [u8], l4: usize, end: usize) {
    let Some(message) = packet.get_mut(l4..end).filter(|message| message.len() >= 12) else {
        return;
    };
    message[8..12].fill(0);
    let crc = crc32c(message);
    message[8..12].copy_from_slice(&crc.to_le_bytes());
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32c_of_the_check_string() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_change_and_its_reverse_restore_the_sum() {
        let mut bytes = [0x12, 0x34];
        Delta::default().change(80, 8080).apply(&mut bytes, 0);
        assert_ne!(bytes, [0x12, 0x34]);
        Delta::default().change(8080, 80).apply(&mut bytes, 0);
        assert_eq!(bytes, [0x12, 0x34]);
    }

    #[test]
    fn udp_without_a_checksum_stays_without() {
        let mut bytes = [0, 0];
        Delta::default().change(1, 2).apply_udp(&mut bytes, 0, true);
        assert_eq!(bytes, [0, 0]);
    }
}

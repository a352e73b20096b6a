//! The fields of a line as RFC 5424 structured data (section 6.3): ` key="value"` one after the
//! other. Only names can hold what must be escaped; everything else is written as it is.

use components::address::{Address, Family};

use super::escape::push_sd;
use super::lines::Fields;
use super::number::{push_address, push_u64};

/// Writes parameters into the buffer.
pub(super) struct StructuredData<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl StructuredData<'_> {
    #[inline]
    fn parameter(&mut self, key: &'static str, push: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(b' ');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"=\"");
        push(self.out);
        self.out.push(b'"');
    }
}

impl Fields for StructuredData<'_> {
    #[inline]
    fn name(&mut self, key: &'static str, value: &str) {
        self.parameter(key, |out| push_sd(out, value));
    }

    #[inline]
    fn suffixed(&mut self, key: &'static str, value: &str, suffix: &'static str) {
        self.parameter(key, |out| {
            push_sd(out, value);
            out.extend_from_slice(suffix.as_bytes());
        });
    }

    #[inline]
    fn word(&mut self, key: &'static str, value: &'static str) {
        self.parameter(key, |out| out.extend_from_slice(value.as_bytes()));
    }

    #[inline]
    fn constant(&mut self, key: &'static str, value: &'static str) {
        self.word(key, value);
    }

    #[inline]
    fn number(&mut self, key: &'static str, value: u64) {
        self.parameter(key, |out| push_u64(out, value));
    }

    #[inline]
    fn id(&mut self, key: &'static str, value: u64) {
        self.number(key, value);
    }

    #[inline]
    fn address(&mut self, key: &'static str, family: Family, value: Address) {
        self.parameter(key, |out| push_address(out, family, value));
    }
}

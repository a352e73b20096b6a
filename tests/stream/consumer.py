"""A consumer of the event stream, written from the contract alone.

It listens, reads frames, keeps events (types 11 to 13, 15, 16) once each, acks now and then, and
disconnects at random: consumer.py SOCKET FILE COUNT. It ends once it has COUNT events and the
producer has hung up.
"""

import random
import socket
import struct
import sys

HEADER = struct.Struct("<IB3xQ")
ACK, EVENTS = 4, (11, 12, 13, 15, 16)
NUMBERED = EVENTS + (1, 2, 3, 9)


def serve(connection, out, applied, count):
    """Reads one connection; the highest number applied when it ends."""
    buffer = b""
    patience = random.randint(1, 40)
    while True:
        try:
            data = connection.recv(random.randint(1, 4096))
        except ConnectionResetError:
            return applied
        if not data:
            return applied
        buffer += data
        while len(buffer) >= HEADER.size:
            length, kind, sequence = HEADER.unpack_from(buffer)
            assert length <= 1024, length
            if len(buffer) < HEADER.size + length:
                break
            frame, buffer = buffer[: HEADER.size + length], buffer[HEADER.size + length :]
            if kind not in NUMBERED or sequence <= applied:
                continue
            assert sequence == applied + 1, (sequence, applied)
            if kind in EVENTS:
                assert length == 136, length
                family, event_type = frame[16 + 55], frame[16 + 52]
                assert family in (2, 10) and event_type in (1, 2, 3, 4, 6), (family, event_type)
                out.write(frame)
            applied = sequence
            patience -= 1
            if patience == 0 and applied < count:
                return applied
        if random.random() < 0.5 or applied >= count:
            try:
                connection.sendall(HEADER.pack(0, ACK, applied))
            except (BrokenPipeError, ConnectionResetError):
                return applied


def main():
    path, file, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    random.seed(7)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(1)
    applied = 0
    with open(file, "wb") as out:
        while applied < count:
            connection, _ = listener.accept()
            with connection:
                applied = serve(connection, out, applied, count)


main()

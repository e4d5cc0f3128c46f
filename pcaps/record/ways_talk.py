"""What servers and clients say before their hello: the plain part of each protocol, from the server's side."""

import ssl

from ways_wire import ANSWER, server_context

# What is said before the hello: bytes are sent, a text is waited for. None stands for the end of a line.
STARTTLS = {
    "smtp": (25, [b"220 lab ESMTP\r\n", "EHLO", b"250-lab\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", "STARTTLS", b"220 go ahead\r\n"]),
    "lmtp": (24, [b"220 lab LMTP\r\n", "LHLO", b"250-lab\r\n250 STARTTLS\r\n", "STARTTLS", b"220 go ahead\r\n"]),
    "pop3": (110, [b"+OK lab\r\n", "STLS", b"+OK begin\r\n"]),
    "imap": (143, [b"* OK lab\r\n", "CAPABILITY", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n", "STARTTLS", b". OK begin\r\n"]),
    "ftp": (21, [b"220 lab\r\n", "AUTH TLS", b"234 begin\r\n"]),
    "nntp": (119, [b"200 lab\r\n", "CAPABILITIES", b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n", "STARTTLS", b"382 begin\r\n"]),
    "sieve": (4190, [b'"IMPLEMENTATION" "lab"\r\n"STARTTLS"\r\nOK\r\n', "STARTTLS", b"OK\r\n"]),
    "irc": (6667, ["STARTTLS", b":lab 670 * :begin\r\n"]),
}  # fmt: skip

XMPP_TLS = b"xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
MYSQL = b"\x0a8.0.36\0" + b"\x07\0\0\0" + b"saltsalt\0" + b"\xff\xff\x21\x02\0\xff\xdf\x15" + bytes(10) + b"saltsaltsalt\0"
LDAP_OK = bytes.fromhex("300c02010178070a010004000400")
RDP_CONFIRM = bytes.fromhex("030000130ed000001234000200080001000000")
# Version, then encryption on.
TDS_PRELOGIN = bytes.fromhex("00000b0006 0100110001 ff 100000000000 01")
AMQP_TLS = b"AMQP\x02\x01\x00\x00"


def talk(wire, script):
    for step in script:
        if isinstance(step, bytes):
            wire.send(step)
        else:
            line = wire.until(b"\n").decode()
            assert step in line, f"{wire.row['way']}: {line!r} instead of {step}"


def starttls(script):
    def serve(wire):
        talk(wire, script)
        wire.tls()

    return serve


def xmpp(wire):
    wire.until(b"version='1.0'>")
    wire.send(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1'"
              b" from='lab' version='1.0'><stream:features><starttls " + XMPP_TLS + b"/></stream:features>")  # fmt: skip
    wire.until(b"/>")
    wire.send(b"<proceed " + XMPP_TLS + b"/>")
    wire.tls()


def mysql(wire):
    wire.send(len(MYSQL).to_bytes(3, "little") + b"\0" + MYSQL)
    wire.take(4 + wire.take(4)[0] - 4)  # the request for TLS is a packet too
    wire.tls()


def postgres(wire):
    wire.expect(bytes.fromhex("0000000804d2162f"))
    wire.send(b"S")
    wire.tls()


def ldap(wire):
    wire.take(wire.take(2)[1])
    wire.send(LDAP_OK)
    wire.tls()


def telnet(wire):
    wire.send(b"\xff\xfd\x2e")
    wire.expect(b"\xff\xfb\x2e\xff\xfa\x2e\x01\xff\xf0")
    wire.send(b"\xff\xfa\x2e\x01\xff\xf0")
    wire.tls()


def rdp(wire):
    head = wire.take(4)
    assert b"mstshash" in wire.take(int.from_bytes(head[2:], "big") - 4)
    wire.send(RDP_CONFIRM)
    wire.tls()


def amqp(wire):
    wire.expect(AMQP_TLS)
    wire.send(AMQP_TLS)
    wire.tls()


def vnc(wire):
    """RFB 3.8 with VeNCrypt 0.2 and its kind X509None."""
    wire.send(b"RFB 003.008\n")
    wire.take(12)
    wire.send(b"\x01\x13")
    wire.expect(b"\x13")
    wire.send(b"\x00\x02")
    wire.expect(b"\x00\x02")
    wire.send(b"\x00\x01" + (260).to_bytes(4, "big"))
    wire.expect((260).to_bytes(4, "big"))
    wire.send(b"\x01")
    wire.tls()


def tds(wire):
    """SQL Server before TDS 8: what TLS says travels in packets of TDS until the handshake is over."""
    wire.take(int.from_bytes(wire.take(8)[2:4], "big") - 8)
    wire.send(b"\x04" + tds_packet(TDS_PRELOGIN)[1:])
    context = server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.sni_callback = lambda _, name, __: wire.named(name)
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = context.wrap_bio(inside, outside, server_side=True)
    done = False
    while not done:
        try:
            secure.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            pass
        if outside.pending:
            wire.send(tds_packet(outside.read()))
        if not done:
            inside.write(wire.take(int.from_bytes(wire.take(8)[2:4], "big") - 8))
    inside.write(wire.sock.recv(16384))
    secure.read(16384)
    secure.write(ANSWER)
    wire.send(outside.read())


def tds_packet(data):
    return b"\x12\x01" + (8 + len(data)).to_bytes(2, "big") + bytes(4) + data

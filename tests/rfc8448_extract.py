#!/usr/bin/env python3
"""Writes rfc8448_NAME.c from the text of RFC 8448 (https://www.rfc-editor.org/rfc/rfc8448.txt).

    tests/rfc8448_extract.py rfc8448.txt NAME | clang-format --assume-filename=tests/x.c >tests/rfc8448_NAME.c

NAME is simple, early, retry, client_auth or compatibility: sections 3 to 7.
The results are checked in; nothing runs this at build or test time.  It takes the values as the RFC prints them, and cuts
out of the messages what a test gives as an answer: randoms, certificate, signature, cookie, ticket.
"""
import re
import sys

HEAD = """/* rfc8448_%s.c: the trace of RFC 8448 %s, byte for byte.
 * Written by rfc8448_extract.py, not by hand. */
#include "rfc8448.h"
"""


def section(text, number):
    """The lines of one section, without page breaks."""
    text = re.sub(r"\n+Thomson +Informational.*\n\f?\n?RFC 8448 .*\n+", "\n\n", text)
    start = re.search(r"^%d\.  \w" % number, text, re.M).start()
    end = re.search(r"^%d\.  \w" % (number + 1), text, re.M).start()
    return text[start:end]


def values(text):
    """[(who, step, {label: bytes})] in the RFC's order."""
    out = []
    for part in re.split(r"^   (?=\{)", text, flags=re.M)[1:]:
        who, step = re.match(r"\{(\w+)\}\s+(.*?)(?::\n|\n\n|\Z)", part, re.S).groups()
        found = {}
        for m in re.finditer(r"^      ([\w ]+?) \((\d+) octets\):((?:\s+[0-9a-f]{2}\b)+)", part, re.M):
            data = bytes.fromhex("".join(m.group(3).split()))
            if len(data) != int(m.group(2)):
                sys.exit("%s: %d octets, not %s" % (m.group(1), len(data), m.group(2)))
            found[m.group(1)] = data
        out.append((who, re.sub(r"\s+", " ", step), found))
    return out


class Trace:
    def __init__(self, text, number):
        self.steps = values(section(text, number))

    def get(self, who, step, label, nth=0):
        hits = [f[label] for w, s, f in self.steps if w == who and s.startswith(step) and label in f]
        return hits[nth] if nth < len(hits) else b""

    def secret(self, label):
        return self.get("server", 'derive secret "tls13 %s"' % label, "expanded") or self.get(
            "client", 'derive secret "tls13 %s"' % label, "expanded")

    def records(self, who, kind):
        return [f["complete record"] for w, s, f in self.steps if w == who and s == "send %s record" % kind]


def extension(body, wanted):
    """The contents of extension |wanted| in the extension block |body|."""
    while body:
        kind, length = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
        if kind == wanted:
            return body[4 : 4 + length]
        body = body[4 + length :]
    return b""


def der(certificate):
    """The one certificate in a Certificate message."""
    return certificate[11:-2]


def messages(t, retry):
    nth = 1 if retry else 0
    server_hello = t.get("server", "construct a ServerHello", "ServerHello", nth)
    retry_request = t.get("server", "construct a ServerHello", "ServerHello") if retry else b""
    certificate = t.get("server", "construct a Certificate handshake", "Certificate")
    verify = t.get("server", "construct a CertificateVerify", "CertificateVerify")
    client_certificate = t.get("client", "construct a Certificate handshake", "Certificate")
    client_verify = t.get("client", "construct a CertificateVerify", "CertificateVerify")
    ticket = t.get("server", "construct a NewSessionTicket", "NewSessionTicket")
    nonce_len = ticket[12] if ticket else 0
    ticket_len = int.from_bytes(ticket[13 + nonce_len : 15 + nonce_len], "big")
    return {
        "client_x25519": t.get("client", "create an ephemeral x25519", "private key"),
        "client_p256": t.get("client", "create an ephemeral P-256", "private key"),
        "server_private": t.get("server", "create an ephemeral " + ("P-256" if retry else "x25519"), "private key"),
        # As it is sent: with a binder, which "construct" leaves out.
        "client_hello": t.get("client", "send handshake record", "payload"),
        "binder": t.get("client", "calculate PSK binder", "finished"),
        "retry_request": retry_request,
        "retry_hello": t.get("client", "construct a ClientHello", "ClientHello", 1),
        "server_hello": server_hello,
        "server_random": server_hello[6:38],
        "cookie": extension(retry_request[44:], 44)[2:] if retry else b"",
        "encrypted_extensions": t.get("server", "construct an EncryptedExtensions", "EncryptedExtensions"),
        "certificate_request": t.get("server", "construct a CertificateRequest", "CertificateRequest"),
        "certificate": certificate,
        "certificate_der": der(certificate),
        "certificate_verify": verify,
        "signature": verify[8:],
        "server_finished": t.get("server", "calculate finished", "finished"),
        "client_certificate": client_certificate,
        "client_certificate_der": der(client_certificate),
        "client_certificate_verify": client_verify,
        "client_signature": client_verify[8:],
        "client_finished": t.get("client", "calculate finished", "finished"),
        "ticket_message": ticket,
        "ticket_nonce": ticket[13 : 13 + nonce_len],
        "ticket": ticket[15 + nonce_len : 15 + nonce_len + ticket_len],
    }


def secrets(t):
    return {
        "early_traffic": t.secret("c e traffic"),
        "early_exporter": t.secret("e exp master"),
        "client_handshake_traffic": t.secret("c hs traffic"),
        "server_handshake_traffic": t.secret("s hs traffic"),
        "client_application_traffic": t.secret("c ap traffic"),
        "server_application_traffic": t.secret("s ap traffic"),
        "main": t.get("server", 'extract secret "master"', "secret"),
        "exporter": t.secret("exp master"),
        "resumption": t.secret("res master"),
        "resumption_psk": t.get("server", "generate resumption secret", "expanded"),
    }


def records(t, retry, early):
    client, server = t.records("client", "handshake"), t.records("server", "handshake")
    data = t.records("client", "application_data")
    return {
        "early_data": t.get("client", "send application_data", "payload") if early else b"",
        "data": t.get("client", "send application_data", "payload", 1 if early else 0),
        "client_hello_record": client[0],
        "early_data_record": data.pop(0) if early else b"",
        "retry_request_record": server[0] if retry else b"",
        "retry_hello_record": client[1] if retry else b"",
        "server_hello_record": server[1 if retry else 0],
        "server_ccs_record": b"".join(t.records("server", "change_cipher_spec")),
        "server_flight": t.get("server", "send handshake record", "payload", 2 if retry else 1),
        "server_flight_record": server[2 if retry else 1],
        "end_of_early_data_record": client[1] if early else b"",
        "client_ccs_record": b"".join(t.records("client", "change_cipher_spec")),
        "client_finished_record": client[-1],
        "ticket_record": server[2] if len(server) > 2 and not retry else b"",
        "client_data_record": b"".join(data),
        "server_data_record": b"".join(t.records("server", "application_data")),
        "client_alert_record": t.records("client", "alert")[0],
        "server_alert_record": t.records("server", "alert")[0],
    }


def show(name, title, data):
    for field, value in data.items():
        if value:
            print("static const uint8_t %s_%s[] = {%s};" % (name, field, ", ".join("0x%02x" % b for b in value)))
    print("const struct rfc8448_trace rfc8448_%s = {\n.name = \"%s\"," % (name, title))
    for field, value in data.items():
        if value:
            print(".%s = {%s_%s, sizeof %s_%s}," % (field, name, field, name, field))
    print("};\n")


NAMES = {
    "simple": (3, "section 3, simple 1-RTT"),
    "early": (4, "section 4, resumed 0-RTT"),
    "retry": (5, "section 5, HelloRetryRequest"),
    "client_auth": (6, "section 6, client authentication"),
    "compatibility": (7, "section 7, compatibility mode"),
}


def main():
    text = open(sys.argv[1], encoding="ascii").read()
    name = sys.argv[2]
    number, title = NAMES[name]
    trace, retry = Trace(text, number), name == "retry"
    print(HEAD % (name, title))
    show(name, title, messages(trace, retry) | secrets(trace) | records(trace, retry, name == "early"))


main()

"""Fills an account of a Dovecot server: folders, flags, keywords, dates, gaps between UIDs.

usage: fill.py HOST,IMAP-PORT,0,USER,PASSWORD MAILDIR COUNT

A few messages come by APPEND; the rest are files that a delivery agent would have written, spread
over the folders, which Dovecot numbers when they are opened.
"""

import imaplib
import os
import sys

imaplib._MAXLINE = 100_000_000
KEYWORDS = ["$Junk", "$Forwarded", "work", "Invoice2024"]
FOLDERS = ["INBOX", "Sent", "Work", "Work.Projects", "Entw&APw-rfe", "R&-D"]


def text(number):
    lines = [
        f"From: Ana {number} <ana@mired.org>",
        "To: bob@mired.org",
        f"Subject: =?utf-8?q?A=C3=B1o_{number}?=",
        "Date: Tue, 24 Nov 2026 08:29:44 +0000",
        f"Message-ID: <{number}@mired.org>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"Hello {number}.",
        "From here on it is a body.",
        ">From there too.",
        "",
    ]
    lines += [f"Line {n} of message {number}: {'x' * (number % 60)}" for n in range(number % 40)]
    return "\n".join(lines) + "\n"


def deliver(maildir, folder, number):
    directory = maildir if folder == "INBOX" else os.path.join(maildir, "." + folder)
    name = f"{1_500_000_000 + number}.M{number}P1.test"
    octets = text(number).encode()
    if number % 3 == 0:
        name += f",S={len(octets)},W={len(octets) + octets.count(10)}"
    path = os.path.join(directory, "new", name)
    with open(path, "wb") as file:
        file.write(octets)
    owner = os.stat(directory)
    os.chown(path, owner.st_uid, owner.st_gid)
    os.utime(path, (0, 1_400_000_000 + number * 61))


def main():
    host, port, _, user, password = sys.argv[1].split(",")
    maildir, count = sys.argv[2], int(sys.argv[3])
    imap = imaplib.IMAP4(host, int(port), timeout=300)
    imap.login(user, password)
    for folder in FOLDERS:
        if folder != "INBOX":
            assert imap.create(f'"{folder}"')[0] == "OK"
        if folder != "R&-D":
            assert imap.subscribe(f'"{folder}"')[0] == "OK"
        for number in range(5):
            date = imaplib.Time2Internaldate(1_300_000_000 + number * 86_400)
            octets = text(number).replace("\n", "\r\n").encode()
            flags = "(\\Draft)" if number == 3 else "(\\Seen $Label1)" if number == 4 else "()"
            assert imap.append(f'"{folder}"', flags, date, octets)[0] == "OK"
    for number in range(count):
        deliver(maildir, FOLDERS[number % len(FOLDERS)], number)
    for folder in FOLDERS:
        status, data = imap.select(f'"{folder}"')
        assert status == "OK", data
        total = int(data[0])
        for flag, step, offset in [
            ("\\Seen", 2, 0),
            ("\\Answered", 5, 1),
            ("\\Flagged", 7, 3),
            ("\\Deleted", 50, 9),
        ] + [(keyword, 11 + n, n) for n, keyword in enumerate(KEYWORDS)]:
            numbers = list(range(1 + offset, total + 1, step))
            for at in range(0, len(numbers), 2_000):
                chosen = ",".join(map(str, numbers[at : at + 2_000]))
                assert imap.store(chosen, "+FLAGS.SILENT", f"({flag})")[0] == "OK"
        # Every fiftieth goes, and leaves a gap; the last ones too, so that UIDNEXT is beyond.
        if total >= 5:
            assert imap.store(f"{total}:{total}", "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK"
        assert imap.expunge()[0] == "OK"
        imap.unselect()
    imap.logout()


main()

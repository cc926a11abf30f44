"""Compares the mail of one person on two servers, over IMAP and POP3, message by message.

usage: compare.py BODIES LEFT RIGHT
  LEFT, RIGHT   HOST,IMAP-PORT,POP3-PORT,USER,PASSWORD   (POP3 port 0: not compared)
  BODIES        every so many messages the octets are compared; 1 is all, 0 none

Mailboxes of RIGHT that LEFT has not are allowed as long as they are empty. Prints what was compared
and the first differences; ends with 1 if there are any.
"""

import email.utils
import hashlib
import imaplib
import poplib
import re
import sys

imaplib._MAXLINE = 100_000_000
poplib._MAXLINE = 100_000
PAGE = 2_000
SHOWN = 20


class Side:
    def __init__(self, text):
        host, port, pop3, user, password = text.split(",")
        self.host, self.pop3_port, self.user, self.password = host, int(pop3), user, password
        self.imap = imaplib.IMAP4(host, int(port), timeout=300)
        self.imap.login(user, password)
        self.names = self.list("LIST")
        self.subscribed = set(self.list("LSUB"))

    def list(self, command):
        """Names as lists of levels, joined by a slash; beside each the name on the wire."""
        names = {}
        status, lines = self.imap._simple_command(command, '""', '"*"')
        assert status == "OK", lines
        status, lines = self.imap._untagged_response(status, lines, command)
        for line in lines:
            if line is None:
                continue
            if isinstance(line, tuple):
                line = line[0] + line[1]
            match = re.match(rb'\((.*?)\) (?:"(.*?)"|NIL) (.*)$', line)
            attributes, separator, name = match.groups()
            if re.match(rb"\{\d+\}", name):
                name = re.sub(rb"^\{\d+\}", b"", name)
            name = name.strip(b'"').decode()
            if b"\\NoSelect" in attributes or b"\\Noselect" in attributes:
                continue
            names[name.replace((separator or b"/").decode(), "/")] = name
        return names

    def select(self, name):
        quoted = '"' + self.names[name].replace("\\", "\\\\").replace('"', '\\"') + '"'
        status, data = self.imap.select(quoted, readonly=True)
        assert status == "OK", (name, data)
        numbers = {}
        for key in ("UIDVALIDITY", "UIDNEXT"):
            value = self.imap.response(key)[1]
            numbers[key] = int(value[0]) if value and value[0] else None
        return int(data[0]), numbers

    def messages(self, count, bodies):
        """(uid, flags, date, size, digest of the body) of each, page by page."""
        for first in range(1, count + 1, PAGE):
            last = min(first + PAGE - 1, count)
            found = self.fetch(f"{first}:{last}", "(UID FLAGS INTERNALDATE RFC822.SIZE)")
            page = [facts(line) for line in found]
            page.sort()
            digests = {}
            if bodies:
                chosen = [n for n in range(first, last + 1) if n % bodies == 0]
                for at in range(0, len(chosen), 200):
                    digests.update(self.digests(chosen[at : at + 200]))
            for number, uid, flags, date, size in page:
                yield uid, flags, date, size, digests.get(number)

    def fetch(self, numbers, items):
        status, data = self.imap.fetch(numbers, items)
        assert status == "OK", data
        return [line for line in data if line is not None]

    def digests(self, numbers):
        found = {}
        for part in self.fetch(",".join(map(str, numbers)), "(BODY.PEEK[])"):
            if isinstance(part, tuple):
                found[int(part[0].split()[0])] = hashlib.sha256(part[1]).hexdigest()
        return found

    def unique_ids(self):
        pop3 = poplib.POP3(self.host, self.pop3_port, timeout=300)
        pop3.user(self.user)
        pop3.pass_(self.password)
        ids = [line.decode() for line in pop3.uidl()[1]]
        pop3.quit()
        return ids


def facts(line):
    text = (line[0] if isinstance(line, tuple) else line).decode()
    number = int(text.split()[0])
    uid = int(re.search(r"UID (\d+)", text).group(1))
    size = int(re.search(r"RFC822\.SIZE (\d+)", text).group(1))
    flags = re.search(r"FLAGS \((.*?)\)", text).group(1).split()
    flags = tuple(sorted(f.lower() for f in flags if f.lower() != "\\recent"))
    date = re.search(r'INTERNALDATE "(.*?)"', text).group(1)
    date = email.utils.mktime_tz(email.utils.parsedate_tz(date.replace("-", " ", 2)))
    return number, uid, flags, date, size


def main():
    bodies = int(sys.argv[1])
    left, right = Side(sys.argv[2]), Side(sys.argv[3])
    differences = []
    compared = {"mailboxes": 0, "messages": 0, "octets": 0, "bodies": 0, "unique_ids": 0}

    def check(what, a, b):
        if a != b:
            differences.append(f"{what}: {a} <> {b}")

    for name in sorted(set(left.names) | set(right.names)):
        if name not in right.names:
            differences.append(f"{name}: missing")
            continue
        right_count, right_numbers = right.select(name)
        if name not in left.names:
            check(f"{name}: messages that nobody had", 0, right_count)
            continue
        left_count, left_numbers = left.select(name)
        compared["mailboxes"] += 1
        check(f"{name}: messages", left_count, right_count)
        if left_count:
            check(f"{name}: numbers", left_numbers, right_numbers)
        if name != "INBOX":
            check(f"{name}: subscribed", name in left.subscribed, name in right.subscribed)
        pairs = zip(left.messages(left_count, bodies), right.messages(right_count, bodies))
        for a, b in pairs:
            check(f"{name} UID {a[0]}", a, b)
            compared["messages"] += 1
            compared["octets"] += a[3]
            compared["bodies"] += a[4] is not None
    if left.pop3_port and right.pop3_port:
        a, b = left.unique_ids(), right.unique_ids()
        check("POP3: messages", len(a), len(b))
        for x, y in zip(a, b):
            check("POP3 unique id", x, y)
        compared["unique_ids"] = len(a)
    print(compared)
    for line in differences[:SHOWN]:
        print("DIFFERENT", line)
    if differences:
        print(len(differences), "differences")
        sys.exit(1)


main()

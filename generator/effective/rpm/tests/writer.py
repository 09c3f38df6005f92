"""Writes rpm databases of given headers with the libraries that rpm uses, one for each line of JSON."""

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zlib

# The tables as rpm makes them.
with tempfile.TemporaryDirectory() as empty:
    subprocess.run(["rpmdb", "--initdb", "--dbpath", empty], check=True)
    query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    SCHEMA = [row[0] for row in sqlite3.connect(os.path.join(empty, "rpmdb.sqlite")).execute(query)]


def sqlite(folder, case, headers):
    work = os.path.join(folder, "work")
    os.mkdir(work)
    path = os.path.join(work, "rpmdb.sqlite")
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute(f"PRAGMA page_size = {case['page']}")
    database.execute(f"PRAGMA auto_vacuum = {case['vacuum']}")
    if case["log"]:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
    for statement in SCHEMA:
        database.execute(statement)
    half = len(headers) // 2
    for number, header in enumerate(headers):
        if number == half and case["log"]:
            database.execute("PRAGMA wal_checkpoint")
        # What is removed again leaves free pages, which later headers fill.
        if number % 3 == 0:
            database.execute("INSERT INTO Packages (blob) VALUES (?)", (b"x" * 3 * case["page"],))
            database.execute("DELETE FROM Packages WHERE hnum = last_insert_rowid()")
        database.execute("INSERT INTO Packages (blob) VALUES (?)", (header,))
    if case["unfinished"] and case["log"]:
        # Frames without a commit, as a crash leaves them.
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN")
        database.execute("DELETE FROM Packages")
        database.execute("INSERT INTO Packages (blob) VALUES (?)", (b"y" * 50 * case["page"],))
    for end in ("", "-wal"):
        if os.path.exists(path + end):
            shutil.copy(path + end, os.path.join(folder, "rpmdb.sqlite" + end))
    database.close()
    shutil.rmtree(work)


def berkeley(folder, case, headers):
    lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_pagesize={case['page']}", "HEADER=END"]
    lines += [" 00000000", " " + struct.pack("<I", len(headers)).hex()]
    for number, header in enumerate(headers):
        lines += [" " + struct.pack("<I", number + 1).hex(), " " + header.hex()]
    lines.append("DATA=END")
    text = "\n".join(lines) + "\n"
    path = os.path.join(folder, "Packages")
    subprocess.run(["db5.3_load", path], input=text, text=True, check=True)


def ndb(folder, case, headers):
    """By rpmpkg.c: no library of Debian's writes this form."""
    slots, blocks = [b"\0" * 16] * 2, []
    pages = len(headers) // 254 + 1
    place = pages * 4096
    for number, header in enumerate(headers, 1):
        count = -(-(16 + len(header) + 12) // 16)
        block = struct.pack("<4s3I", b"BlbS", number, 1, len(header)) + header
        block = block.ljust(count * 16 - 12, b"\0")
        block += struct.pack("<2I4s", zlib.adler32(block), len(header), b"BlbE")
        slots.append(struct.pack("<4s3I", b"Slot", number, place // 16, count))
        blocks.append(block)
        place += len(block)
    slots += [struct.pack("<4s3I", b"Slot", 0, 0, 0)] * (pages * 256 - len(slots))
    start = struct.pack("<4s7I", b"RpmP", 0, 1, pages, len(headers) + 1, 0, 0, 0)
    with open(os.path.join(folder, "Packages.db"), "wb") as file:
        file.write(start + b"".join(slots)[32:] + b"".join(blocks))


for line in sys.stdin:
    case = json.loads(line)
    write = {"sqlite": sqlite, "berkeley": berkeley, "ndb": ndb}[case["form"]]
    write(case["folder"], case, [bytes.fromhex(header) for header in case["headers"]])
    print("done", flush=True)

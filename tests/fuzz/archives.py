"""Small archives and packed files of every kind that the program reads, for a fuzzer to start from: archives.py FOLDER"""
import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

TEXT = "To be, or not to be: that is the question — “Whether ’tis nobler …”\n".encode() * 3
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def tar(form):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, data in (("a.txt", TEXT), ("folder/" + "é" * 60 + ".txt", TEXT), (".hidden", b"x"), ("empty", b"")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return file.getvalue()


def zipped(how):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        archive.writestr("a.txt", TEXT)
        archive.writestr("folder/é.txt", TEXT)
    return file.getvalue()


plain = {"text": TEXT, "pax.tar": tar(tarfile.PAX_FORMAT), "gnu.tar": tar(tarfile.GNU_FORMAT), "ustar.tar": tar(tarfile.USTAR_FORMAT),
         "stored.zip": zipped(zipfile.ZIP_STORED), "deflated.zip": zipped(zipfile.ZIP_DEFLATED)}
packers = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
if shutil.which("zstd"):
    packers["zst"] = lambda data: subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
for name, data in plain.items():
    (folder / name).write_bytes(data)
for kind, pack in packers.items():
    (folder / f"text.{kind}").write_bytes(pack(TEXT))
    (folder / f"tar.{kind}").write_bytes(pack(plain["pax.tar"]))

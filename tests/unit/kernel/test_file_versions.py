"""A file that was written, replaced or removed has another version."""

import os

from shipperone_erp.kernel.file_versions import file_version, file_versions


def test_each_kind_of_change_gives_another_version(tmp_path):
    file = tmp_path / "token"
    assert file_version(file) is None
    file.write_text("one")
    written = file_version(file)
    assert file_version(file) == written

    file.write_text("three")
    longer = file_version(file)

    other = tmp_path / "new"
    other.write_text("three")
    stat = file.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(file)
    replaced = file_version(file)

    assert len({written, longer, replaced}) == 3
    assert file_versions([file, other]) == {file: replaced, other: None}

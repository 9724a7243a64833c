"""A script for `warm_processes`: pytest with these arguments, where core is imported already."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))

"""``python -m gdfast.cli``, for where the script is not on the path."""

from gdfast.cli import main

main()

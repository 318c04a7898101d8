"""`python -m marketable` is the same as the command `marketable`."""

from marketable.commands.main import main

raise SystemExit(main())

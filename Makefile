# Every target installs what it needs and works as root and as an ordinary user.
# `make install` alone writes to a PostgreSQL that isn't its own.
# PG_CONFIG=/path/to/pg_config says which server is meant; without it, it is the newest
# one of the distribution's.

export PG_CONFIG

.PHONY: demo test lint install psql clean

demo:
	@tests/tools/demo

psql:
	@tests/tools/demo --shell

test:
	@tests/tools/test

lint:
	@tests/tools/lint

install:
	@tests/tools/install

clean:
	rm -rf target

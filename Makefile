# Every target installs what it needs and works as root and as an ordinary user.
# `make install` alone writes to a PostgreSQL that isn't its own.

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
	@tests/tools/install "$(PG_CONFIG)"

clean:
	rm -rf target

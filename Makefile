# Every target installs what it needs and works as root and as an ordinary user.
# `make install` alone writes to a PostgreSQL that isn't its own.
# PG_CONFIG=/path/to/pg_config says which server is meant, or PG=NN its version: the
# distribution's, or a fetched one (16, 18). Without them, it is the newest one of the
# distribution's. `make test PG=all` runs the tests on that one, on 16 and on 18.

export PG_CONFIG PG

.PHONY: demo test test-long bench lint install psql clean

demo:
	@tests/tools/demo

psql:
	@tests/tools/demo --shell

test:
	@tests/tools/test

test-long:
	@tests/tools/test-long

# N="200 1000" ROUNDS=5 ONLY=apply,load TOOLS="dbmate sqlx" say what is measured.
bench:
	@tests/tools/bench

lint:
	@tests/tools/lint

install:
	@tests/tools/install

clean:
	rm -rf target

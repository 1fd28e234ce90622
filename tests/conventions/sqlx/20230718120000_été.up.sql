CREATE TYPE season AS ENUM ('été', 'hiver');

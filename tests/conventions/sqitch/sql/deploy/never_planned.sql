CREATE TABLE shop.never ();

-- it takes no lock that matters
DROP INDEX shop.products_name;

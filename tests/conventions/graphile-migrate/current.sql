alter table messages add column draft boolean;

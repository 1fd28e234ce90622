DROP TRIGGER soft_delete_visitor ON visitors;
DROP FUNCTION soft_delete_visitor();

-- The connector's login: it may call these procedures, and has no right on any table. Set your own password.
CREATE USER shipperone IDENTIFIED BY 'change me';
GRANT EXECUTE ON PROCEDURE shipperone_find_reservation TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_find_reservation_lines TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_available TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_reserve TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_release TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_find_invoice TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_find_invoice_lines TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_build_invoice TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_issue_invoice TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_discard_invoice TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_find_delivery TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_deliver TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_list_documents TO shipperone;
GRANT EXECUTE ON PROCEDURE shipperone_list_document_lines TO shipperone;

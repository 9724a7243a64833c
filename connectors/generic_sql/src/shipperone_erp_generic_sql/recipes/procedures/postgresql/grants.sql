-- The connector's login: it may call these procedures, and has no right on any table. Set your own password.
CREATE ROLE shipperone LOGIN PASSWORD 'change me';
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    shipperone_find_reservation, shipperone_find_reservation_lines, shipperone_available, shipperone_reserve,
    shipperone_release,
    shipperone_find_invoice, shipperone_find_invoice_lines, shipperone_build_invoice, shipperone_issue_invoice,
    shipperone_discard_invoice, shipperone_find_delivery, shipperone_deliver, shipperone_list_documents,
    shipperone_list_document_lines
TO shipperone;

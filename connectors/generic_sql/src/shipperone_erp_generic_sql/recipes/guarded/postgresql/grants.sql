-- The connector's login: the rights that this recipe's statements need, and no others. Set your own password.
CREATE ROLE shipperone LOGIN PASSWORD 'change me';
GRANT SELECT, UPDATE ON stock, counters TO shipperone;
GRANT SELECT, INSERT, UPDATE ON reservations, reservation_lines, invoices TO shipperone;
GRANT SELECT, INSERT ON invoice_lines, invoice_charges, deliveries TO shipperone;
GRANT SELECT, INSERT, DELETE ON transfers TO shipperone;
GRANT SELECT, INSERT ON delivery_lines TO shipperone;

-- The connector's login: the rights that this recipe's statements need, and no others. Set your own password.
CREATE USER shipperone IDENTIFIED BY 'change me';
GRANT SELECT, UPDATE ON stock TO shipperone;
GRANT SELECT, UPDATE ON counters TO shipperone;
GRANT SELECT, INSERT, UPDATE ON reservations TO shipperone;
GRANT SELECT, INSERT, UPDATE ON reservation_lines TO shipperone;
GRANT SELECT, INSERT, UPDATE ON invoices TO shipperone;
GRANT SELECT, INSERT ON invoice_lines TO shipperone;
GRANT SELECT, INSERT ON invoice_charges TO shipperone;
GRANT SELECT, INSERT ON deliveries TO shipperone;
GRANT SELECT, INSERT, DELETE ON transfers TO shipperone;
GRANT SELECT, INSERT ON delivery_lines TO shipperone;

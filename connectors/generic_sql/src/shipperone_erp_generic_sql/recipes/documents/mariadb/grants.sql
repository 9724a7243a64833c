-- The connector's login: the rights that this recipe's statements need, and no others. Set your own password.
CREATE USER shipperone IDENTIFIED BY 'change me';
GRANT SELECT ON products TO shipperone;
GRANT SELECT ON warehouses TO shipperone;
GRANT SELECT, UPDATE ON product_stock TO shipperone;
GRANT SELECT, INSERT, UPDATE ON orders TO shipperone;
GRANT SELECT, INSERT ON order_lines TO shipperone;
GRANT SELECT, INSERT, UPDATE ON allocations TO shipperone;
GRANT SELECT, INSERT, UPDATE ON invoices TO shipperone;
GRANT SELECT, INSERT ON invoice_lines TO shipperone;
GRANT SELECT, INSERT ON invoice_charges TO shipperone;
GRANT SELECT, INSERT ON invoice_taxes TO shipperone;
GRANT SELECT, UPDATE ON number_ranges TO shipperone;
GRANT SELECT, INSERT ON shipments TO shipperone;
GRANT SELECT, INSERT ON stock_movements TO shipperone;

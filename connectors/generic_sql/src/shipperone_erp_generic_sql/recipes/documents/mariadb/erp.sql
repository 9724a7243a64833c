-- An ERP that keeps documents, on MariaDB: orders with lines, allocations, stock movements, invoices with a number range.
-- Every row has a generated id, and the next document's row names it.
-- InnoDB: other engines know no transactions. A binary collation: by the usual one 'mug' and 'MUG' are one product.

CREATE TABLE products (
    id  BIGINT AUTO_INCREMENT PRIMARY KEY,
    ref VARCHAR(191) NOT NULL UNIQUE
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE warehouses (
    id  BIGINT AUTO_INCREMENT PRIMARY KEY,
    ref VARCHAR(191) NOT NULL UNIQUE
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- What lies there. What is free of it is nowhere stored: it is on_hand less the open allocations.
CREATE TABLE product_stock (
    product_id   BIGINT NOT NULL REFERENCES products (id),
    warehouse_id BIGINT NOT NULL REFERENCES warehouses (id),
    on_hand      DECIMAL(18, 6) NOT NULL CHECK (on_hand >= 0),
    PRIMARY KEY (product_id, warehouse_id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE orders (
    id           BIGINT AUTO_INCREMENT PRIMARY KEY,
    external_key VARCHAR(64) NOT NULL UNIQUE,
    external_ref VARCHAR(191) NOT NULL,
    state        VARCHAR(10) NOT NULL CHECK (state IN ('live', 'voided')),
    created_at   DATETIME(6) NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE order_lines (
    id         BIGINT AUTO_INCREMENT PRIMARY KEY,
    order_id   BIGINT NOT NULL REFERENCES orders (id),
    item_ref   VARCHAR(191) NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    qty        DECIMAL(18, 6) NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX order_lines_of ON order_lines (order_id);

CREATE TABLE allocations (
    id            BIGINT AUTO_INCREMENT PRIMARY KEY,
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    product_id    BIGINT NOT NULL REFERENCES products (id),
    warehouse_id  BIGINT NOT NULL REFERENCES warehouses (id),
    qty           DECIMAL(18, 6) NOT NULL,
    shipped       DECIMAL(18, 6) NOT NULL DEFAULT 0,
    CONSTRAINT shipped_was_allocated CHECK (shipped BETWEEN 0 AND qty)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX allocations_of_goods ON allocations (product_id, warehouse_id);
CREATE INDEX allocations_of_line ON allocations (order_line_id);

CREATE TABLE invoices (
    id           BIGINT AUTO_INCREMENT PRIMARY KEY,
    external_key VARCHAR(64) NOT NULL UNIQUE,
    external_ref VARCHAR(191) NOT NULL,
    state        VARCHAR(10) NOT NULL CHECK (state IN ('draft', 'issued', 'voided')),
    number       VARCHAR(20) UNIQUE,
    invoice_date DATE,
    currency     VARCHAR(10),
    shipping     DECIMAL(18, 6),
    total        DECIMAL(18, 6),
    created_at   DATETIME(6) NOT NULL,
    issued_at    DATETIME(6)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE invoice_lines (
    id             BIGINT AUTO_INCREMENT PRIMARY KEY,
    invoice_id     BIGINT NOT NULL REFERENCES invoices (id),
    item_ref       VARCHAR(191) NOT NULL,
    product_id     BIGINT NOT NULL REFERENCES products (id),
    qty            DECIMAL(18, 6) NOT NULL,
    total_incl_tax DECIMAL(18, 6) NOT NULL,
    tax_percent    DECIMAL(18, 6)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX invoice_lines_of ON invoice_lines (invoice_id);

CREATE TABLE invoice_charges (
    id             BIGINT AUTO_INCREMENT PRIMARY KEY,
    invoice_id     BIGINT NOT NULL REFERENCES invoices (id),
    name           VARCHAR(191) NOT NULL,
    amount         DECIMAL(18, 6) NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX invoice_charges_of ON invoice_charges (invoice_id);

CREATE TABLE invoice_taxes (
    id             BIGINT AUTO_INCREMENT PRIMARY KEY,
    invoice_id     BIGINT NOT NULL REFERENCES invoices (id),
    tax_percent    DECIMAL(18, 6),
    total_excl_tax DECIMAL(18, 6),
    tax            DECIMAL(18, 6)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX invoice_taxes_of ON invoice_taxes (invoice_id);

-- The last number of each range: numbers have no gaps, and two invoices never the same one.
CREATE TABLE number_ranges (
    name   VARCHAR(20) PRIMARY KEY,
    prefix VARCHAR(10) NOT NULL,
    last   BIGINT NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
INSERT INTO number_ranges (name, prefix, last) VALUES ('invoice', 'FV-', 0);

CREATE TABLE shipments (
    id           BIGINT AUTO_INCREMENT PRIMARY KEY,
    external_key VARCHAR(64) NOT NULL UNIQUE,
    external_ref VARCHAR(191) NOT NULL,
    shipped_at   DATETIME(6) NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- What left: one row for each allocation that it came out of. A shipment may come out of several orders' allocations.
CREATE TABLE stock_movements (
    id            BIGINT AUTO_INCREMENT PRIMARY KEY,
    shipment_id   BIGINT NOT NULL REFERENCES shipments (id),
    allocation_id BIGINT NOT NULL REFERENCES allocations (id),
    product_id    BIGINT NOT NULL REFERENCES products (id),
    warehouse_id  BIGINT NOT NULL REFERENCES warehouses (id),
    item_ref      VARCHAR(191) NOT NULL,
    qty           DECIMAL(18, 6) NOT NULL,
    moved_at      DATETIME(6) NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX stock_movements_of ON stock_movements (shipment_id);

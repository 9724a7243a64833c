-- A small ERP on MariaDB 10.6 or later. InnoDB: other engines know no transactions. A binary collation: by the usual
-- one 'mug', 'MUG' and 'Mug ' would be one SKU.

CREATE TABLE stock (
    warehouse VARCHAR(100)   NOT NULL,
    sku       VARCHAR(191)   NOT NULL,
    on_hand   DECIMAL(18, 6) NOT NULL CHECK (on_hand >= 0),
    reserved  DECIMAL(18, 6) NOT NULL DEFAULT 0,
    PRIMARY KEY (warehouse, sku),
    CONSTRAINT reserved_is_there CHECK (reserved BETWEEN 0 AND on_hand)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE reservations (
    id         BIGINT AUTO_INCREMENT PRIMARY KEY,
    job_key    VARCHAR(64)  NOT NULL UNIQUE,
    order_id   VARCHAR(191) NOT NULL,
    state      VARCHAR(10)  NOT NULL CHECK (state IN ('live', 'voided')),
    created_at DATETIME(6)  NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE reservation_lines (
    item_key        VARCHAR(255)   PRIMARY KEY,
    reservation_key VARCHAR(64)    NOT NULL REFERENCES reservations (job_key),
    item_id         VARCHAR(190)   NOT NULL,
    warehouse       VARCHAR(100)   NOT NULL,
    sku             VARCHAR(191)   NOT NULL,
    qty             DECIMAL(18, 6) NOT NULL,
    shipped         DECIMAL(18, 6) NOT NULL DEFAULT 0,
    KEY reservation_lines_of (reservation_key),
    CONSTRAINT shipped_was_reserved CHECK (shipped BETWEEN 0 AND qty)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Goods that lie in another warehouse than the order's. Setting arrived moves them, and what is reserved of them.
CREATE TABLE transfers (
    id              BIGINT AUTO_INCREMENT PRIMARY KEY,
    item_key        VARCHAR(255)   NOT NULL UNIQUE REFERENCES reservation_lines (item_key),
    reservation_key VARCHAR(64)    NOT NULL,
    source          VARCHAR(100)   NOT NULL,
    destination     VARCHAR(100)   NOT NULL,
    sku             VARCHAR(191)   NOT NULL,
    qty             DECIMAL(18, 6) NOT NULL,
    arrived         BOOLEAN        NOT NULL DEFAULT FALSE,
    KEY transfers_of (reservation_key)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

DELIMITER //
CREATE TRIGGER transfer_arrives AFTER UPDATE ON transfers FOR EACH ROW
IF new.arrived AND NOT old.arrived THEN
    UPDATE reservation_lines SET warehouse = new.destination WHERE item_key = new.item_key;
    -- what has shipped meanwhile has left the source already
    SET @moved = (SELECT qty - shipped FROM reservation_lines WHERE item_key = new.item_key);
    UPDATE stock SET reserved = reserved - @moved, on_hand = on_hand - @moved
        WHERE warehouse = new.source AND sku = new.sku;
    INSERT INTO stock (warehouse, sku, on_hand, reserved) VALUES (new.destination, new.sku, @moved, @moved)
        ON DUPLICATE KEY UPDATE on_hand = on_hand + @moved, reserved = reserved + @moved;
END IF//
DELIMITER ;

CREATE TABLE invoices (
    id           BIGINT AUTO_INCREMENT PRIMARY KEY,
    job_key      VARCHAR(64)    NOT NULL UNIQUE,
    order_id     VARCHAR(191)   NOT NULL,
    order_number TEXT,
    state        VARCHAR(10)    NOT NULL CHECK (state IN ('draft', 'issued', 'voided')),
    number       BIGINT         UNIQUE,
    tax_date     DATE,
    issue_date   DATE,
    currency     VARCHAR(10),
    shipping     DECIMAL(18, 6),
    total        DECIMAL(18, 6),
    created_at   DATETIME(6)    NOT NULL,
    issued_at    DATETIME(6)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE invoice_lines (
    item_key    VARCHAR(255)   PRIMARY KEY,
    invoice_key VARCHAR(64)    NOT NULL REFERENCES invoices (job_key),
    line_no     INTEGER        NOT NULL,
    item_id     VARCHAR(190)   NOT NULL,
    sku         VARCHAR(191)   NOT NULL,
    qty         DECIMAL(18, 6) NOT NULL,
    total       DECIMAL(18, 6) NOT NULL,
    tax_percent DECIMAL(9, 4),
    KEY invoice_lines_of (invoice_key)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Fees and coupons: what an order's charges of kind "line" add to its invoice, or take off it.
CREATE TABLE invoice_charges (
    invoice_key VARCHAR(64)    NOT NULL REFERENCES invoices (job_key),
    name        VARCHAR(190)   NOT NULL,
    amount      DECIMAL(18, 6) NOT NULL,
    PRIMARY KEY (invoice_key, name)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- The last number of each series: numbers have no gaps, and two invoices never the same one.
CREATE TABLE counters (
    name VARCHAR(20) PRIMARY KEY,
    last BIGINT      NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
INSERT INTO counters (name, last) VALUES ('invoice', 0);

CREATE TABLE deliveries (
    job_key      VARCHAR(64)  PRIMARY KEY,
    order_id     VARCHAR(191) NOT NULL,
    delivered_at DATETIME(6)  NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- What left, by the reservation line that it came out of: a shipment may come out of several reservations.
CREATE TABLE delivery_lines (
    delivery_key VARCHAR(64) NOT NULL REFERENCES deliveries (job_key),
    item_key     VARCHAR(255) NOT NULL REFERENCES reservation_lines (item_key),
    item_id      VARCHAR(191) NOT NULL,
    warehouse    VARCHAR(100) NOT NULL,
    sku          VARCHAR(191) NOT NULL,
    qty         DECIMAL(18, 6) NOT NULL,
    PRIMARY KEY (delivery_key, item_key)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- The inbox on MariaDB: one table of requests, which the connector inserts and the ERP's program answers.

CREATE TABLE shipperone_inbox (
    id                       BIGINT AUTO_INCREMENT PRIMARY KEY,
    request                  VARCHAR(10) NOT NULL,               -- reserve, release, invoice, deliver
    job_key                  VARCHAR(64) NOT NULL,               -- identifies the request: one row, however often it is repeated
    tenant                   VARCHAR(100) NOT NULL,
    order_id                 VARCHAR(191) NOT NULL,
    order_number             VARCHAR(191),
    generation               INTEGER,                            -- counts up after each release
    warehouse_code           VARCHAR(100) NOT NULL,
    currency                 VARCHAR(10),
    shipping_amount_incl_tax DECIMAL(18, 6),
    tax_date                 DATE,                               -- the day of supply
    issue_date               DATE,                               -- the invoice's date, where an operator has set one
    items_json               LONGTEXT NOT NULL,                  -- each item: item_id, sku, qty, item_warehouse_code, amounts
    order_json               LONGTEXT NOT NULL,                  -- the whole order as ShipperOne lists it
    charges_json             LONGTEXT,                           -- invoice: its fees, coupons and gift cards
    reservations_json        LONGTEXT,                           -- deliver: the reservations that the goods come out of
    asked_at                 DATETIME(6) NOT NULL,
    status                   VARCHAR(10) DEFAULT 'new' NOT NULL, -- the ERP's side writes from here on
    reference                VARCHAR(191),                       -- the ERP's own name of what it made
    invoice_number           VARCHAR(191),
    invoice_date             DATE,
    total_incl_tax           DECIMAL(18, 6),
    message                  VARCHAR(1000),                      -- for operators: the reason of short or error
    answered_at              DATETIME(6),
    CONSTRAINT shipperone_asked_once UNIQUE (request, job_key)
) ENGINE = InnoDB, CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE INDEX shipperone_open ON shipperone_inbox (status, id);

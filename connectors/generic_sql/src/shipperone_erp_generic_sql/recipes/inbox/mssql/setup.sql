-- The inbox on SQL Server (compiled in tests, not run against a server): one table of requests, which the connector inserts and the ERP's program answers.

CREATE TABLE shipperone_inbox (
    id                       BIGINT IDENTITY PRIMARY KEY,
    request                  NVARCHAR(10) NOT NULL,              -- reserve, release, invoice, deliver
    job_key                  NVARCHAR(64) NOT NULL,              -- identifies the request: one row, however often it is repeated
    tenant                   NVARCHAR(100) NOT NULL,
    order_id                 NVARCHAR(191) NOT NULL,
    order_number             NVARCHAR(191),
    generation               INTEGER,                            -- counts up after each release
    warehouse_code           NVARCHAR(100) NOT NULL,
    currency                 NVARCHAR(10),
    shipping_amount_incl_tax DECIMAL(18, 6),
    tax_date                 DATE,                               -- the day of supply
    issue_date               DATE,                               -- the invoice's date, where an operator has set one
    items_json               NVARCHAR(MAX) NOT NULL,             -- each item: item_id, sku, qty, item_warehouse_code, amounts
    order_json               NVARCHAR(MAX) NOT NULL,             -- the whole order as ShipperOne lists it
    charges_json             NVARCHAR(MAX),                      -- invoice: its fees, coupons and gift cards
    reservations_json        NVARCHAR(MAX),                      -- deliver: the reservations that the goods come out of
    asked_at                 DATETIME2 NOT NULL,
    status                   NVARCHAR(10) DEFAULT 'new' NOT NULL, -- the ERP's side writes from here on
    reference                NVARCHAR(191),                      -- the ERP's own name of what it made
    invoice_number           NVARCHAR(191),
    invoice_date             DATE,
    total_incl_tax           DECIMAL(18, 6),
    message                  NVARCHAR(1000),                     -- for operators: the reason of short or error
    answered_at              DATETIME2,
    CONSTRAINT shipperone_asked_once UNIQUE (request, job_key)
);

CREATE INDEX shipperone_open ON shipperone_inbox (status, id);

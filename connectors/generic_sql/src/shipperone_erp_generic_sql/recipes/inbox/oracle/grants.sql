-- The connector's login: it may insert and read requests, and nothing else. Set your own password.
CREATE USER shipperone IDENTIFIED BY "change me";
GRANT CREATE SESSION TO shipperone;
GRANT SELECT, INSERT ON shipperone_inbox TO shipperone;
CREATE SYNONYM shipperone.shipperone_inbox FOR shipperone_inbox;

-- The connector's login: it may insert and read requests, and nothing else. Set your own password.
CREATE USER shipperone IDENTIFIED BY 'change me';
GRANT SELECT, INSERT ON shipperone_inbox TO shipperone;

-- The connector's login: it may insert and read requests, and nothing else. Set your own password.
CREATE LOGIN shipperone WITH PASSWORD = 'change me';
CREATE USER shipperone FOR LOGIN shipperone;
GRANT SELECT, INSERT ON shipperone_inbox TO shipperone;

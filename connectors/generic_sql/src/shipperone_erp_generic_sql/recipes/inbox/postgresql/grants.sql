-- The connector's login: it may insert and read requests, and nothing else. Set your own password.
CREATE ROLE shipperone LOGIN PASSWORD 'change me';
GRANT SELECT, INSERT ON shipperone_inbox TO shipperone;

-- The connector's login: it may ask and look, and nothing else. Put a password of your own.
CREATE LOGIN shipperone WITH PASSWORD = 'change me';
CREATE USER shipperone FOR LOGIN shipperone;
GRANT SELECT, INSERT ON shipperone_inbox TO shipperone;

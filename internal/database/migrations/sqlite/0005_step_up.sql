-- +goose Up
-- nothing: a SQLite file has one instance, which nobody has to tell
SELECT 1;

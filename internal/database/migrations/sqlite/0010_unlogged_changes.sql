-- +goose Up
-- rows are read in the order of their ids
DROP INDEX `change_tx`;

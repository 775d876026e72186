-- +goose Up
-- create index "users_suspended" to table: "users"
CREATE INDEX `users_suspended` ON `users` (`id`) WHERE status = 'SUSPENDED';
-- create index "users_administrators" to table: "users"
CREATE INDEX `users_administrators` ON `users` (`id`) WHERE CAST(roles AS text) LIKE '%"ADMIN"%';

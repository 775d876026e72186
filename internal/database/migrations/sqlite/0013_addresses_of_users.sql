-- +goose NO TRANSACTION
-- +goose Up
-- The addresses of the users that were there before, in sixteen transactions, so that writers get in between. A file that
-- was interrupted runs again.
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 0;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 1;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 2;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 3;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 4;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 5;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 6;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 7;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 8;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 9;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 10;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 11;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 12;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 13;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 14;
INSERT OR IGNORE INTO `addresses` (`address`, `user_id`) SELECT `email`, `id` FROM `users` WHERE rowid % 16 = 15;

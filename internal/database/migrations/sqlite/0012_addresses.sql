-- +goose Up
-- create "addresses" table
CREATE TABLE `addresses` (
  `address` text NOT NULL,
  `user_id` uuid NOT NULL,
  PRIMARY KEY (`address`)
);
-- the addresses of those who write users and know no table of addresses: commands in SQL
-- +goose StatementBegin
CREATE TRIGGER gatehouse_address BEFORE INSERT ON `users` BEGIN
  INSERT INTO `addresses` (`address`, `user_id`) SELECT NEW.`email`, NEW.`id`
  WHERE NOT EXISTS (SELECT 1 FROM `addresses` WHERE `address` = NEW.`email`);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_address_update AFTER UPDATE OF `email`, `id` ON `users`
WHEN OLD.`email` IS NOT NEW.`email` OR OLD.`id` IS NOT NEW.`id`
BEGIN
  DELETE FROM `addresses` WHERE `address` = OLD.`email` AND `user_id` = OLD.`id`;
  INSERT INTO `addresses` (`address`, `user_id`) SELECT NEW.`email`, NEW.`id`
  WHERE NOT EXISTS (SELECT 1 FROM `addresses` WHERE `address` = NEW.`email`);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gatehouse_address_delete AFTER DELETE ON `users` BEGIN
  DELETE FROM `addresses` WHERE `address` = OLD.`email` AND `user_id` = OLD.`id`;
END;
-- +goose StatementEnd

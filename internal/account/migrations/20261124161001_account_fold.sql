-- +goose Up
-- Keys are spelled as the program spells them by now: without letters that lack on most
-- keyboards (base/fold). The older keys were in lower case and without marks already.
UPDATE users SET name_folded = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(name_folded, 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'), 'ħ', 'h'), 'ı', 'i'), 'ς', 'σ')
WHERE name_folded <> replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(name_folded, 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'), 'ħ', 'h'), 'ı', 'i'), 'ς', 'σ');

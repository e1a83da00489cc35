-- +goose Up
-- Keys are spelled as the program spells them by now: without letters that lack on most
-- keyboards (base/fold). The older keys were in lower case and without marks already.
UPDATE issue SET title_folded = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(title_folded, 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'), 'ħ', 'h'), 'ı', 'i'), 'ς', 'σ')
WHERE title_folded <> replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(title_folded, 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'), 'ħ', 'h'), 'ı', 'i'), 'ς', 'σ');

UPDATE issue_alias SET alias_folded = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(alias_folded, 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'), 'ħ', 'h'), 'ı', 'i'), 'ς', 'σ')
WHERE alias_folded <> replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(alias_folded, 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'), 'ħ', 'h'), 'ı', 'i'), 'ς', 'σ');

-- An issue is found by the key that it had elsewhere, in whichever case it is typed.
CREATE INDEX issue_alias_folded ON issue_alias (alias_folded, project_id);

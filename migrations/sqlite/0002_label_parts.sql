-- What a source found in earlier messages: [{"message_id": "m-1", "spans": [{"start": 6, "end": 10, "text": "LINE"}]}, …].
alter table verdict_labels add column parts text not null default '[]';

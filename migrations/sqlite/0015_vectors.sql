-- What the encoder made of an inquiry: one signed byte for each of its numbers, as long as the largest is 127. Vectors of different
-- versions (of the encoder and what it was trained to) say nothing of each other.
create table inquiry_vectors (
    inquiry_id text not null primary key references inquiries (inquiry_id),
    version text not null,
    vector blob not null
) strict;

select dead_letter_id from dead_letters where dead_letter_id = $1

-- Dead letters that came back to their subscription: their topic does not retain them.
ALTER TABLE published ADD COLUMN returned INTEGER NOT NULL DEFAULT 0;

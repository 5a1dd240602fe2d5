export const perKilometre = 0.621371;

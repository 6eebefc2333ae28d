/** Money is a decimal number in a string, and stays one: what a float makes of it is not money. */
import { language } from "../i18n";

/** The amount as people of the reader's language write it, with its currency. */
export function money(amount: string, currency: string): string {
  const format = new Intl.NumberFormat(language(), {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: 2,
    maximumFractionDigits: 6,
  });
  // Given a string, the format keeps every digit.
  return format.format(amount as Intl.StringNumericLiteral);
}

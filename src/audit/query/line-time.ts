/** More than the longest beginning of a line that holds its time. */
export const timeBytes = 160

const beginning =
  /^\{"seq":\d{1,16},"prev":(?:null|"sha256:[0-9a-f]{64}"),"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)",/

/**
 * The time of a line in milliseconds since 1970, read from its first bytes without parsing it.
 * Undefined for a line that does not begin as dray writes lines.
 */
export function timeOfLine(raw: Buffer): number | undefined {
  const text = beginning.exec(raw.toString('latin1', 0, timeBytes))?.[1]
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

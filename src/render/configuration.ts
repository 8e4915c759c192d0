import { escapeText } from './text/escape.ts'
import type { Style } from './text/style.ts'

/** The line of a plan that names the configuration file; none if there is no file. */
export function renderConfigurationLine(name: string | undefined, style: Style): readonly string[] {
  return name === undefined ? [] : [style.dim(`Configuration: ${escapeText(name)}`)]
}

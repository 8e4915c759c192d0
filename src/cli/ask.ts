import { DrayError } from '../errors.ts'
import { escapeText } from '../render/escape.ts'

export interface Asking {
  /** whether there is a person at a terminal (`canAsk`) */
  readonly possible: boolean
  readonly input: NodeJS.ReadStream
  /** where the question is put: stderr, so that stdout stays the result */
  readonly output: NodeJS.WriteStream
}

/**
 * Asks yes or no; Enter alone is no. @throws `usage` where nobody can be asked, naming `flag`, which answers yes beforehand;
 * `interrupted` where the question is broken off.
 */
export async function confirm(
  question: string,
  flag: string,
  asking: Asking,
  signal: AbortSignal,
): Promise<boolean> {
  if (!asking.possible) {
    throw new DrayError('usage', `this needs a yes, and nobody can be asked here`, {
      hint: `Give ${flag} to go ahead without a question, or --dry-run to see what would be done.`,
    })
  }
  const { default: inquirer } = await import('inquirer')
  const prompt = inquirer.createPromptModule({ input: asking.input, output: asking.output, signal })
  try {
    const { yes } = await prompt<{ yes: boolean }>([
      { type: 'confirm', name: 'yes', message: escapeText(question), default: false },
    ])
    return yes
  } catch (cause) {
    // the prompt's own handling of Ctrl-C, or our signal: either way the person left
    if (signal.aborted) throw signal.reason
    throw new DrayError('interrupted', 'interrupted', { cause })
  }
}

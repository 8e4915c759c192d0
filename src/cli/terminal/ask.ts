import { setImmediate } from 'node:timers/promises'
import { DrayError } from '../../lib/errors.ts'
import { escapeText } from '../../render/text/escape.ts'

export interface PromptTerminal {
  /** whether a person is at a terminal (`isInteractive`) */
  readonly possible: boolean
  /** opens stdin */
  readonly input: () => NodeJS.ReadStream
  /** stderr, so that stdout contains only the result */
  readonly output: NodeJS.WriteStream
}

/** One of several answers. */
interface Choice {
  readonly value: string
  /** replaces the value in the list */
  readonly label?: string
  /** of a list with several answers: it is selected at first */
  readonly isSelected?: boolean
}

/** Questions for a person at a terminal. All throw `cancelled` if the person leaves the prompt. */
export interface Questions {
  /** Returns one of the choices; the only one without a question. Typing filters the list. */
  pick(question: string, choices: readonly Choice[]): Promise<string>
  /** Returns at least one of the choices; the only one without a question. */
  pickSome(question: string, choices: readonly Choice[]): Promise<readonly string[]>
  /**
   * Returns a line of text.
   * @param complaint what is wrong with it, or undefined
   * @param initial the answer if the person only presses Enter
   */
  enter(question: string, complaint: (text: string) => string | undefined, initial?: string): Promise<string>
  /** Returns a line that is not shown. */
  enterSecret(question: string): Promise<string>
}

/** Visible entries of a list. */
const pageSize = 12

/**
 * Asks yes or no; Enter alone is no. @throws `usage` if the run is non-interactive; `cancelled` if
 * the person leaves the prompt; `interrupted`.
 */
export async function confirm(
  question: string,
  terminal: PromptTerminal,
  signal: AbortSignal,
): Promise<boolean> {
  if (!terminal.possible) {
    throw new DrayError('usage', 'cannot ask for confirmation', {
      why: 'the run is non-interactive: stdin and stderr are not both terminals, CI is set, or the output is not text',
      hint: 'Pass --yes to skip confirmation, or --dry-run to show the plan only.',
    })
  }
  return await answered({ type: 'confirm', message: escapeText(question), default: false }, terminal, signal)
}

/** @param terminal possible */
export function createQuestions(terminal: PromptTerminal, signal: AbortSignal): Questions {
  const ask = <T>(type: string, question: string, settings: object): Promise<T> =>
    answered({ type, message: escapeText(question), ...settings }, terminal, signal)
  return takeSingleChoices({
    pick: (question, choices) => {
      const entries = choices.map(entryOf)
      let filter = ''
      const source = (term = ''): readonly InputEntry[] => {
        filter = term
        return entries.filter(({ name }) => isFound(name, term))
      }
      // Text that was typed before the prompt appeared can arrive together with Enter. The list
      // then still shows the choices of the filter before it.
      const validate = async (value: string): Promise<boolean | string> => {
        await setImmediate()
        const chosen = entries.find((entry) => entry.value === value)
        return (chosen !== undefined && isFound(chosen.name, filter)) || 'Select an entry of the list.'
      }
      return ask('search', question, { source, validate, pageSize })
    },
    pickSome: (question, choices) =>
      ask('checkbox', question, { choices: choices.map(entryOf), required: true, pageSize }),
    enter: (question, complaint, initial) =>
      ask('input', question, {
        validate: (text: string) => complaint(text) ?? true,
        ...(initial !== undefined && { default: escapeText(initial) }),
      }),
    enterSecret: (question) =>
      ask('password', question, { validate: (text: string) => text !== '' || 'Enter a value.' }),
  })
}

/** Answers a list with one choice without a question. */
export function takeSingleChoices(questions: Questions): Questions {
  const only = (choices: readonly Choice[]): string | undefined =>
    choices.length === 1 ? choices[0]?.value : undefined
  return {
    ...questions,
    pick: async (question, choices) => only(choices) ?? (await questions.pick(question, choices)),
    pickSome: async (question, choices) => {
      const value = only(choices)
      return value === undefined ? await questions.pickSome(question, choices) : [value]
    },
  }
}

interface InputEntry {
  readonly name: string
  readonly value: string
  readonly checked: boolean
}

function entryOf({ value, label = value, isSelected = false }: Choice): InputEntry {
  return { name: escapeText(label), value, checked: isSelected }
}

function isFound(name: string, term: string): boolean {
  return name.toLowerCase().includes(term.trim().toLowerCase())
}

async function answered<T>(question: object, terminal: PromptTerminal, signal: AbortSignal): Promise<T> {
  const { default: inquirer } = await import('inquirer')
  const prompt = inquirer.createPromptModule({ input: terminal.input(), output: terminal.output, signal })
  try {
    const { answer } = (await prompt([{ ...question, name: 'answer' } as never])) as { answer: T }
    return answer
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    // The person pressed Ctrl-C, or the terminal was closed.
    if (cause instanceof Error && cause.name === 'ExitPromptError')
      throw new DrayError('cancelled', 'cancelled', { cause })
    throw cause
  }
}

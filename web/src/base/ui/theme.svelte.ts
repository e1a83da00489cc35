export type ThemeChoice = 'system' | 'light' | 'dark';

const KEY = 'peisear.theme';
const NAMES = { light: 'peisear', dark: 'peisear-dark' } as const;

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system'; // a browser that keeps nothing still shows the app
  }
}

/** The choice of light, dark or what the system says; kept per browser, not per account. */
export class Theme {
  choice = $state<ThemeChoice>(stored());

  /** Call once at the start: puts the kept choice on the page. */
  show(): void {
    const root = document.documentElement;
    if (this.choice === 'system') delete root.dataset.theme;
    else root.dataset.theme = NAMES[this.choice];
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    this.show();
    try {
      if (choice === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // Not kept; it holds until the page goes.
    }
  }
}

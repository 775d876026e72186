import { render } from 'preact';
import { App } from './app.jsx';
import '../../common/home.css';
import '../../common/app.css';

render(<App />, document.getElementById('app'));

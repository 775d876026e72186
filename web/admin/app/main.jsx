import { render } from 'preact';
import { App } from './app.jsx';
import '../../account/account.css';
import '../../common/home.css';
import '../../common/app.css';
import './admin.css';

render(<App />, document.getElementById('app'));
